/** The cairn with its fire, and the name. */
export function Brand({ href, label }: { href: string; label?: string | undefined }) {
  return (
    <a className="brand" href={href}>
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#0B5563" />
        <path fill="#fff" d="M6 25.5c0-1.9 1.6-3.2 3.5-3.2h13c1.9 0 3.5 1.3 3.5 3.2v.5H6zM8.6 21c-.5-1.9.7-3.6 2.6-3.6h9.6c1.9 0 3.1 1.7 2.6 3.6zM11 16.1c-.5-1.7.6-3.2 2.3-3.2h5.4c1.7 0 2.8 1.5 2.3 3.2z" />
        <path fill="#FFB27A" d="M16 3.6c2.4 2.2 3.4 3.9 3.4 5.5a3.4 3.4 0 0 1-6.8 0c0-1.1.5-2.1 1.3-3 .2.8.6 1.3 1.1 1.6-.1-1.5.2-2.9 1-4.1z" />
      </svg>
      <span>{label ?? 'Varde'}</span>
    </a>
  )
}
