export async function mount(root: HTMLElement): Promise<void> { root.textContent = 'arbeid' }
