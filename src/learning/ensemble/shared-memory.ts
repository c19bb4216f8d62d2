type Values = Uint8Array | Float32Array | Uint32Array | Int32Array;

/** The same values in memory that threads share. */
export function shareData<T extends Values>(data: T): T {
  if (data.buffer instanceof SharedArrayBuffer) return data;
  const shared = new SharedArrayBuffer(data.byteLength);
  new Uint8Array(shared).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const Typed = data.constructor as new (buffer: SharedArrayBuffer) => T;
  return new Typed(shared);
}

/** Copies parameters into shared memory, where threads read them without another copy. */
export function shareMembers(members: readonly (readonly Float32Array[])[]): Float32Array[][] {
  const floats = members.flat().reduce((sum, { length }) => sum + length, 0);
  const shared = new Float32Array(new SharedArrayBuffer(floats * 4));
  let at = 0;
  return members.map((parameters) =>
    parameters.map((values) => {
      shared.set(values, at);
      return shared.subarray(at, (at += values.length));
    }),
  );
}
