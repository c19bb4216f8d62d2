import { main } from './run-worker';

main('warehouse');
