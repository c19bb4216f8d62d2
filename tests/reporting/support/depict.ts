import initRDKitModule from '@rdkit/rdkit';

/** As much of RDKit's module as a drawing needs. */
interface Drawing {
  get_mol(smiles: string): { get_svg(width: number, height: number): string; delete(): void } | null;
}

/** Drawings by RDKit's own WASM build, in this process. */
export async function rdkitDepict(): Promise<(smiles: string[]) => Promise<(string | null)[]>> {
  const rdkit = await (initRDKitModule as unknown as () => Promise<Drawing>)();
  const drawn = new Map<string, string | null>();
  const draw = (smiles: string): string | null => {
    const mol = rdkit.get_mol(smiles);
    try {
      return mol ? mol.get_svg(250, 200) : null;
    } finally {
      mol?.delete();
    }
  };
  return async (smiles) =>
    smiles.map((text) => {
      if (!drawn.has(text)) drawn.set(text, draw(text));
      return drawn.get(text)!;
    });
}
