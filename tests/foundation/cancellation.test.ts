import { Cancellation, type CancelSignal } from '../../src/foundation';

/** What both do in the same order of events. */
function story(signal: CancelSignal, abort: (reason: unknown) => void): unknown[] {
  const told: unknown[] = [];
  const left = () => told.push('left');
  const twice = () => told.push(['told', signal.aborted, signal.reason]);
  signal.throwIfAborted();
  signal.addEventListener('abort', twice, { once: true });
  signal.addEventListener('abort', left, { once: true });
  signal.removeEventListener('abort', left);
  abort('why');
  abort('again');
  signal.addEventListener('abort', () => told.push('late'), { once: true });
  told.push(signal.aborted, signal.reason);
  try {
    signal.throwIfAborted();
  } catch (reason) {
    told.push(['thrown', reason]);
  }
  return told;
}

test('it does what an AbortController and its signal do', () => {
  const ours = new Cancellation();
  const theirs = new AbortController();
  const wanted = story(theirs.signal, (reason) => theirs.abort(reason));
  expect(wanted).toEqual([['told', true, 'why'], true, 'why', ['thrown', 'why']]);
  expect(story(ours, (reason) => ours.abort(reason))).toEqual(wanted);
});

test('a listener that takes another one away while all are told', () => {
  const cancellation = new Cancellation();
  const told: string[] = [];
  const second = () => told.push('second');
  cancellation.addEventListener('abort', () => {
    told.push('first');
    cancellation.removeEventListener('abort', second);
  });
  cancellation.addEventListener('abort', second);
  cancellation.abort(new Error('over'));
  expect(told).toEqual(['first', 'second']);
});
