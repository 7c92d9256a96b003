import {
  BellIcon, BriefcaseIcon, Buildings2Icon, ClipboardCheckmarkIcon, FolderIcon, HandshakeIcon, HeartIcon, MagnifyingGlassIcon, PadlockLockedIcon, PersonIcon,
} from '@navikt/aksel-icons'
import { may, type Me } from '../session/session'

export type NavItem = { to: string; key: string; icon: typeof BellIcon; group: 'work' | 'control' | 'me'; external?: boolean; allowed: (me: Me) => boolean }

/** What the menu shows: only what the person's roles may do. */
export const navigation: NavItem[] = [
  { to: '/saker', key: 'cases', icon: BriefcaseIcon, group: 'work', allowed: (me) => may(me, 'case.list') },
  { to: '/sok', key: 'search', icon: MagnifyingGlassIcon, group: 'work', allowed: (me) => may(me, 'event.search') },
  { to: '/register', key: 'register', icon: HandshakeIcon, group: 'work', allowed: (me) => may(me, 'register.read') },
  { to: '/organisasjon', key: 'organisation', icon: Buildings2Icon, group: 'control', allowed: (me) => may(me, 'directory.write') || may(me, 'account.admin') || may(me, 'audit.read') },
  { to: '/revisjon', key: 'audit', icon: ClipboardCheckmarkIcon, group: 'control', allowed: (me) => may(me, 'audit.read') },
  { to: '/sikring', key: 'holds', icon: PadlockLockedIcon, group: 'control', allowed: (me) => may(me, 'hold.read') },
  { to: '/drift', key: 'health', icon: HeartIcon, group: 'control', allowed: (me) => may(me, 'health.read') },
  { to: '/mine', key: 'mine', icon: FolderIcon, group: 'me', allowed: (me) => may(me, 'report.follow') },
  { to: '/meld', key: 'report', icon: BellIcon, group: 'me', external: true, allowed: () => true },
  { to: '/konto', key: 'account', icon: PersonIcon, group: 'me', allowed: () => true },
]

export function allowedNavigation(me: Me): NavItem[] {
  return navigation.filter((item) => item.allowed(me))
}
