import { options, render } from 'preact'

import { App } from './components/App'
import { startRouter } from './router'
import './styles/index.css'

/** Pieces of an answer arrive faster than a screen can show them: draw once a frame, however much has changed. */
options.debounceRendering = draw => {
  if (document.hidden) setTimeout(draw)
  else requestAnimationFrame(draw)
}

startRouter()
render(<App />, document.querySelector('#app')!)
