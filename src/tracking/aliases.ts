import { TitrateError, versionParts } from '../contracts';
import type { ObjectStore } from '../objects/object-store';
import type { PointerEntry, PointerLog } from '../objects/pointers';
import { checkAlias, checkCampaignId, parseVersionNumber } from './model-name';
import type { AliasMove, AliasMover, MoveOptions } from './registry';

const POINTERS = 'pointers/';
const root = (campaignId: string) => `alias/${campaignId}/`;

const moveOf = ({
  number,
  target,
  previous,
  operationId,
  author,
  reason,
  at,
  held,
}: PointerEntry): AliasMove => ({
  number,
  version: target,
  previous,
  operationId,
  author,
  reason,
  at,
  held: held === true,
});

const numberOf = (versionId: string): number => parseVersionNumber(versionParts(versionId).version)!;

/** Where an alias stands, in words. */
const placeOf = (head: AliasMove | null) =>
  head ? `at ${head.version} (move ${head.number}, by ${head.author}: ${head.reason})` : 'nowhere yet';

/**
 * Aliases of model versions: one append-only pointer log each, `alias/<campaign>/<alias>`. A hold is a mark on an entry, so it
 * is placed and seen together with the move: there is no moment in which one is there without the other.
 */
export function createAliases({ objects, pointers }: { objects: ObjectStore; pointers: PointerLog }) {
  const pointerOf = (campaignId: string, alias: string) => {
    checkCampaignId(campaignId);
    checkAlias(alias);
    return root(campaignId) + alias;
  };

  async function head(campaignId: string, alias: string): Promise<AliasMove | null> {
    const entry = await pointers.head(pointerOf(campaignId, alias));
    return entry && moveOf(entry);
  }

  async function move(
    campaignId: string,
    alias: string,
    version: string,
    by: AliasMover,
    { held, expected }: MoveOptions,
  ): Promise<AliasMove> {
    const pointer = pointerOf(campaignId, alias);
    const mover = { ...by, held };
    if (expected === undefined) return moveOf(await pointers.move(pointer, version, mover));
    const moved = await pointers.moveFrom(pointer, expected, version, mover);
    if (moved) return moveOf(moved);
    throw new TitrateError('contradiction', {
      what: `'${alias}' was expected ${expected ? `at ${expected}` : 'nowhere yet'} and is ${placeOf(await head(campaignId, alias))}: somebody else moved it first`,
      where: `${campaignId}@${alias}`,
      remedy: 'Look at what is there now, and decide again',
    });
  }

  async function advance(
    campaignId: string,
    alias: string,
    version: string,
    by: AliasMover,
  ): Promise<AliasMove | null> {
    const goesOn = (entry: PointerEntry | null) =>
      entry === null || (!entry.held && numberOf(entry.target) <= numberOf(version));
    const moved = await pointers.moveIf(pointerOf(campaignId, alias), version, by, goesOn);
    return moved && moveOf(moved);
  }

  async function release(campaignId: string, alias: string, by: AliasMover): Promise<AliasMove> {
    const pointer = pointerOf(campaignId, alias);
    for (;;) {
      const standing = await head(campaignId, alias);
      // An operation that has released it already gets its entry, wherever the alias is now.
      const before = (await moves(campaignId, alias)).find((entry) => entry.operationId === by.operationId);
      if (before) return before;
      if (!standing?.held) {
        throw new TitrateError('contradiction', {
          what: `nothing holds '${alias}': it is ${placeOf(standing)}`,
          where: `${campaignId}@${alias}`,
        });
      }
      const { version } = standing;
      const stays = (entry: PointerEntry | null) => entry?.held === true && entry.target === version;
      const released = await pointers.moveIf(pointer, version, by, stays);
      if (released) return moveOf(released);
    }
  }

  async function moves(campaignId: string, alias: string): Promise<AliasMove[]> {
    return (await pointers.entries(pointerOf(campaignId, alias))).map(moveOf);
  }

  async function names(campaignId: string): Promise<string[]> {
    checkCampaignId(campaignId);
    const prefix = POINTERS + root(campaignId);
    const keys = await objects.listRecords(prefix);
    return [...new Set(keys.map((key) => key.slice(prefix.length).split('/')[0]!))].sort();
  }

  return { head, move, advance, release, moves, names };
}
