/** The thread of the codec (codec.ts). */
import { answerRequests } from '../runtime/thread.ts'
import { answerTransfers, type CodecAnswer, type CodecRequest, runCodec } from './codec.ts'

answerRequests<CodecRequest, CodecAnswer>(runCodec, answerTransfers)
