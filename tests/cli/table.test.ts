import { facts, table } from '../../src/cli/table';

test('what a file holds cannot speak to the terminal', () => {
  const hostile = '\u001b]0;owned\u0007C\u009b2J';
  for (const shown of [table(['text'], [[hostile]]), facts([['text', hostile]])])
    // eslint-disable-next-line no-control-regex
    expect(shown.replace(/\u001b\[\d+m/g, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});
