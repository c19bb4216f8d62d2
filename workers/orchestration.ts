import { main } from './run-worker';

main('orchestration');
