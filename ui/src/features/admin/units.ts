import type { Unit } from '../../directory/directory'

/** The units below one, at any depth. */
export function below(units: Unit[], id: string): string[] {
  return units.filter((u) => u.parent === id).flatMap((u) => [u.id, ...below(units, u.id)])
}

/** The chart as one reads it: each unit before those below it. */
export function inOrder(units: Unit[], parent = ''): Unit[] {
  return units.filter((u) => (u.parent ?? '') === parent).flatMap((u) => [u, ...inOrder(units, u.id)])
}

/** Where a unit lies, for a list to choose from: the names from below the top down to it. */
export function pathOf(units: Unit[], unit: Unit): string {
  const above = units.find((u) => u.id === unit.parent)
  return above?.parent ? `${pathOf(units, above)} › ${unit.name}` : unit.name
}
