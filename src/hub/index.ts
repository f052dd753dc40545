/** The HUB room: files of model repositories on the Hugging Face Hub, kept in its cache and checked at every use. */
export { type HubOptions, hubFile } from './hub-file.ts'
export { isHubReference } from './hub-reference.ts'
