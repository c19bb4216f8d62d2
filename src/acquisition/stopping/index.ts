export { prospectsOf, type ProspectsRequest } from './prospects';
