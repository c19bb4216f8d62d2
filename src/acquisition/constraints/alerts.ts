import type { AlertSet } from '../../contracts';

/** A structural alert: a name, and SMARTS of our own for what the set's references describe in words and drawings. */
export interface Alert {
  readonly name: string;
  readonly smarts: string;
}

export interface AlertDefinition {
  readonly references: readonly string[];
  readonly alerts: readonly Alert[];
}

const sorted = (alerts: Readonly<Record<string, string>>): Alert[] =>
  Object.entries(alerts).map(([name, smarts]) => ({ name, smarts }));

/**
 * Well-known alerts, short on purpose. They are these groups and no more: `interfering` holds some of the classes that hit most
 * often in Baell and Holloway's work, not their 480 filters, and a molecule without an alert is not thereby harmless.
 */
export const ALERTS: Readonly<Record<AlertSet, AlertDefinition>> = {
  /** Electrophiles that bind to proteins, or to whatever else is in the assay, by a covalent bond. */
  reactive: {
    references: [
      'Rishton, Drug Discovery Today 2, 382 (1997)',
      'Hann et al., J. Chem. Inf. Comput. Sci. 39, 897 (1999)',
    ],
    alerts: sorted({
      'acyl halide': '[CX3](=[OX1])[F,Cl,Br,I]',
      'sulfonyl halide': '[SX4](=[OX1])(=[OX1])[F,Cl,Br,I]',
      'phosphoryl halide': '[PX4](=[OX1])[F,Cl,Br,I]',
      'acid anhydride': '[CX3](=[OX1])[OX2][CX3]=[OX1]',
      'activated ester': '[CX3](=[OX1])[OX2][NX3][CX3]=[OX1]',
      aldehyde: '[CX3H1](=[OX1])[#6]',
      'isocyanate or isothiocyanate': '[NX2]=[CX2]=[OX1,SX1]',
      carbodiimide: '[NX2]=[CX2]=[NX2]',
      thiocyanate: '[#6][SX2][CX2]#[NX1]',
      'epoxide, aziridine or thiirane': '[CX4]1[OX2,NX3,SX2][CX4]1',
      'beta-lactone': '[OX1]=[CX3]1[OX2][CX4][CX4]1',
      'alkyl chloride, bromide or iodide': '[CX4;!H0][Cl,Br,I]',
      'alkyl sulfonate': '[SX4](=[OX1])(=[OX1])([#6])[OX2][CX4]',
      'Michael acceptor, carbonyl': '[CX3;!H0]=[CX3][CX3]=[OX1]',
      'Michael acceptor, nitrile': '[CX3;!H0]=[CX3][CX2]#[NX1]',
      'Michael acceptor, nitro or sulfonyl':
        '[CX3;!H0]=[CX3][$([NX3+](=[OX1])[OX1-]),$([SX4](=[OX1])=[OX1])]',
      'alkynyl carbonyl': '[CX2]#[CX2][CX3]=[OX1]',
    }),
  },
  /** Groups that fall apart, or are oxidised, in the bottle or in the well. */
  unstable: {
    references: [
      'Rishton, Drug Discovery Today 8, 86 (2003)',
      'Hann et al., J. Chem. Inf. Comput. Sci. 39, 897 (1999)',
      'Brenk et al., ChemMedChem 3, 435 (2008)',
    ],
    alerts: sorted({
      peroxide: '[OX2][OX2]',
      azide: '[#6,#16][NX2]=[NX2+]=[NX1-]',
      'diazo compound': '[CX3]=[NX2+]=[NX1-]',
      'diazonium salt': '[#6][NX2+]#[NX1]',
      'halogen on nitrogen': '[#7][F,Cl,Br,I]',
      'halogen on oxygen or sulfur': '[OX2,SX2][F,Cl,Br,I]',
      'nitrate or nitrite ester': '[#6][OX2][$([NX3+](=[OX1])[OX1-]),$([NX2]=[OX1])]',
      disulfide: '[#16X2][#16X2]',
      thiol: '[SX2H]',
      'carbon bound to a metal': '[#6][Li,Na,K,Mg,Zn,Cd,Hg,Al,Sn,Pb,Tl]',
    }),
  },
  /** Groups that light up many assays without binding the target. */
  interfering: {
    references: ['Baell and Holloway, J. Med. Chem. 53, 2719 (2010)'],
    alerts: sorted({
      'para-quinone': '[OX1]=[#6]1[#6]=,:[#6][#6](=[OX1])[#6]=,:[#6]1',
      'ortho-quinone': '[OX1]=[#6]1[#6](=[OX1])[#6]=,:[#6][#6]=,:[#6]1',
      catechol: '[OX2H]c:c[OX2H]',
      'alkylidene rhodanine or thiazolidinedione': '[#6]=[#6]1[SX2][CX3](=[SX1,OX1])[NX3][CX3]1=[OX1]',
      'azo compound': '[#6][NX2]=[NX2][#6]',
      'nitroso compound': '[#6][NX2]=[OX1]',
      'phenol hydrazone': '[OX2H]c:c[CX3H1]=[NX2][NX3]',
      'phenol Mannich base': '[OX2H]c:c[CX4H2][NX3;!$(N[#6]=[OX1])]',
      isothiazolone: '[OX1]=[#6]1~[#6]~[#6]~[#16]~[#7]1',
    }),
  },
};
