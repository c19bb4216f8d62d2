import type { Readable } from 'node:stream';
import { TitrateError } from '../../contracts';
import { cancelWith, type SourceTransport } from './transport';

/** Standard input, named '-': read once, from the start, without a version. */
export function createStdinTransport(stdin: Readable): SourceTransport {
  let taken = false;
  return {
    kind: 'stdin',
    resumable: false,
    accepts: (uri) => uri === '-',
    open(_source, { signal }) {
      if (taken) {
        return Promise.reject(
          new TitrateError('source-unreadable', {
            what: 'standard input can be read only once',
            where: '-',
            remedy: "Name one source '-', and write what is needed twice to a file",
          }),
        );
      }
      taken = true;
      return Promise.resolve({ stream: cancelWith(stdin, signal, '-'), version: null, start: 0 });
    },
  };
}
