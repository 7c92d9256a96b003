import type { components } from '../../api/identity'

/** Every role, from the everyday ones to the rare. */
export const roles = [
  'employee', 'superuser', 'responsible', 'system-owner', 'system-administrator', 'security-officer', 'controller', 'operations-manager',
  'host-operator', 'regional-coordinator', 'auditor', 'administrator',
] as const satisfies readonly components['schemas']['Role'][]
