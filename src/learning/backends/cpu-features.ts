import { readFileSync } from 'node:fs';

/** Instruction sets that change how native TensorFlow rounds, the widest first; it picks among them at run time. */
const SETS = ['avx512f', 'avx2', 'avx', 'sse4_2', 'sve', 'asimd'] as const;

/**
 * The widest vector instructions of this processor and whether it fuses multiply and add, e.g. `+avx2+fma`; empty where
 * the system does not tell (only Linux does, in /proc/cpuinfo).
 */
export function vectorInstructions(): string {
  let flags: Set<string>;
  try {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    flags = new Set(line.split(/\s+/));
  } catch {
    return '';
  }
  const widest = SETS.find((name) => flags.has(name));
  return [widest, flags.has('fma') ? 'fma' : undefined]
    .flatMap((name) => (name ? [`+${name}`] : []))
    .join('');
}
