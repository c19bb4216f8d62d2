import { main } from './run-worker';

main('gpu');
