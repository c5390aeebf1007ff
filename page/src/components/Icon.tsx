/** Line icons on a 24 x 24 grid. Beside a text or in a labelled button, and so hidden from screen readers. */

const PATHS = {
  attach: 'M20 11.5 12.3 19a5 5 0 0 1-7-7l8-8a3.4 3.4 0 0 1 4.8 4.8l-8 8a1.7 1.7 0 0 1-2.4-2.4l7.2-7.2',
  back: 'M15 5l-7 7 7 7',
  bad: 'M17 4h3v10h-3M17 4H8.5a2 2 0 0 0-2 1.6L5.2 12a2 2 0 0 0 2 2.5H11l-1 4a1.5 1.5 0 0 0 2.8 1L17 14z',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  down: 'M12 5v14M6 13l6 6 6-6',
  edit: 'M5 19l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L9 18z',
  file: 'M13 3H6v18h12V8zM13 3v5h5',
  good: 'M7 20H4V10h3M7 20h8.5a2 2 0 0 0 2-1.6l1.3-6.4a2 2 0 0 0-2-2.5H13l1-4a1.5 1.5 0 0 0-2.8-1L7 10z',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.700l-1.3 1.300M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.700l1.3-1.3',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.300a3.5 3.5 0 0 1 0 6.400M18 14.200a6.5 6.5 0 0 1 3.5 5.8',
  plus: 'M12 5v14M5 12h14',
  reply: 'M10 6l-6 6 6 6M4 12h9a7 7 0 0 1 7 7',
  retry: 'M4 12a8 8 0 1 0 2.7-6L4 8.500M4 4v4.500h4.5',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4',
  send: 'M12 19V5M5.5 11.5 12 5l6.5 6.5',
  shield: 'M12 3.500 5 6v5.500c0 4.500 3 7.500 7 9 4-1.500 7-4.500 7-9V6zM9 12l2.200 2.200L15.200 10',
  signOut: 'M14 4H5v16h9M10 12h11M17 8l4 4-4 4',
  smile: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM9 9.5v.5M15 9.5v.5M8.5 14a4.5 4.5 0 0 0 7 0',
  sparkle: 'M12 4l1.8 5.200L19 11l-5.2 1.800L12 18l-1.8-5.200L5 11l5.2-1.800zM19 16v4M17 18h4',
  stop: 'M7 7h10v10H7z',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7',
}

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
