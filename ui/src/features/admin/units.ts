import type { Unit } from '../../directory/directory'

const nbsp = '\u00a0'

/** The units below one, at any depth. */
export function below(units: Unit[], id: string): string[] {
  return units.filter((u) => u.parent === id).flatMap((u) => [u.id, ...below(units, u.id)])
}

/** The chart as one reads it: each unit before those below it. */
export function inOrder(units: Unit[], parent = ''): Unit[] {
  return units.filter((u) => (u.parent ?? '') === parent).flatMap((u) => [u, ...inOrder(units, u.id)])
}

/** A unit's name, moved in by its level, for a list to choose from. */
export function indented(unit: Unit): string {
  return `${nbsp.repeat(3 * (unit.level - 1))}${unit.name}`
}
