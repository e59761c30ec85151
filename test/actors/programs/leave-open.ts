// Listens, says where, and leaves without closing.
import { systemClock } from '@kaitian/actors'
import { Hall, SocketExchange } from '@kaitian/actors/internal'

const hall = new Hall()
hall.attend('0')
const exchange = new SocketExchange({
  openDoor: (admit) => hall.open('0', admit),
  after: (ms, fn) => systemClock.after(ms, fn),
})
const { path } = await exchange.listen()
process.stdout.write(path, () => process.exit(0))
