import './styles/theme.css'
import './styles/fonts.css'
import './styles/base.css'
import { loadTexts } from './i18n'
import { applyColorScheme } from './app/colorScheme'

applyColorScheme()

// Two halves: what everyone meets without signing in must be there at once,
// also on a weak network; what one works in is loaded when it is needed.
const halves = {
  // Kept apart in an object: Vite gives both sides of `a ? import(b) : import(c)` the style sheets of one.
  entrance: () => import('./public/entrance'),
  workplace: () => import('./app/workplace'),
}
const isPublic = /^\/(meld|oppfolging|logg-inn|personvern)?(\/|$)/.test(location.pathname)

async function start(): Promise<void> {
  const root = document.getElementById('root')
  if (!root) throw new Error('index.html has no #root')
  const [{ mount }] = await Promise.all([
    halves[isPublic ? 'entrance' : 'workplace'](),
    loadTexts('common', 'problem'),
  ])
  await mount(root)
}

void start()
