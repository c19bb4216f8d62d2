import { main } from './run-worker';

main('featurization');
