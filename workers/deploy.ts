import { main } from './run-worker';

main('deploy');
