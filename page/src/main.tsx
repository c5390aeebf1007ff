import { render } from 'preact'

import { App } from './components/App'
import { startRouter } from './router'
import './styles/index.css'

startRouter()
render(<App />, document.querySelector('#app')!)
