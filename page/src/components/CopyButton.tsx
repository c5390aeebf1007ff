import { useEffect, useState } from 'preact/hooks'

import { copyText } from '../clipboard'
import { Icon, type IconName } from './Icon'

const CONFIRMED_FOR_MS = 1_500

interface Props {
  text: string
  label: string
  icon?: IconName
  /** Shows the label beside the icon. */
  withText?: boolean
}

export function CopyButton({ text, label, icon = 'copy', withText = false }: Props) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return undefined
    const timer = setTimeout(() => setCopied(false), CONFIRMED_FOR_MS)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = () => void copyText(text).then(() => setCopied(true))
  const said = isCopied ? 'Copied' : label
  return (
    <button
      type="button"
      class={withText ? 'button-quiet' : 'button-icon'}
      aria-label={said}
      title={said}
      onClick={copy}
    >
      <Icon name={isCopied ? 'check' : icon} />
      {withText && said}
    </button>
  )
}
