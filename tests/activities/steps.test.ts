import { currentLock, readLock, unversionedChanges } from '../../scripts/steps';

describe('step versions', () => {
  test('no step does something else under the same version: npm run steps:lock after raising it', () => {
    expect(unversionedChanges(readLock(), currentLock())).toEqual([]);
    expect(currentLock()).toEqual(readLock());
  });

  test('a changed source is noticed, unless the version was raised', () => {
    const lock = readLock();
    const [name, entry] = Object.entries(lock)[0]!;
    const changed = { ...lock, [name]: { ...entry, sources: 'f'.repeat(64) } };
    expect(unversionedChanges(lock, changed)).toEqual([name]);
    expect(
      unversionedChanges(lock, {
        ...changed,
        [name]: { version: entry.version + 1, sources: 'f'.repeat(64) },
      }),
    ).toEqual([]);
  });
});
