export * from './attention.ts'
export * from './conv-gru.ts'
export * from './layers.ts'
export * from './scope.ts'
