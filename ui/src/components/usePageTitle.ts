import { useEffect } from 'react'

/** The tab's title; the product last, so that a narrow tab shows what matters. */
export function usePageTitle(title: string | undefined): void {
  useEffect(() => {
    if (title) document.title = `${title} – Varde`
  }, [title])
}
