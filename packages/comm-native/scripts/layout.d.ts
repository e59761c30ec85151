export function addonFiles(): readonly string[]
export function platformName(): string
