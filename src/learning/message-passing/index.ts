export * from './message-passing-ensemble';
