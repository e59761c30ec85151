// msgpackr reads strings by an optional native part, which an installation may or may not have;
// it looks at this when it is first imported.
process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED = 'true'
const { codecCases } = await import('./codec-cases.js')

codecCases('without native code')
