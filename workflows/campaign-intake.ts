import { condition, isCancellation, setHandler } from '@temporalio/workflow';
import { countReceipts, type IntakeItem } from '../src/campaign';
import {
  explainIssues,
  labResultsMessageSchema,
  propertiesOf,
  type LabResultsMessage,
  type Receipt,
} from '../src/contracts';
import { featurizers, warehouse } from './activities';
import type { CampaignOwner } from './campaign-owner';
import * as messages from './messages';
import { rootCause } from './support';

/** Rows taken in by one pair of activities: small enough for a payload, large enough to be quick. */
const CHUNK_ROWS = 500;

/** Failures that the sender can mend, and a repeat cannot: a file that is not there, or is no results file. */
const SENDERS_FAULT: ReadonlySet<string> = new Set([
  'source-missing',
  'source-unreadable',
  'result-invalid',
  'artifact-missing',
]);

/**
 * What the lab posts. Handlers only put it into the buffer; one loop takes it from there, in order, into the warehouse,
 * where the unique resultId makes a repeat harmless. A campaign that goes on as a new execution takes the buffer along.
 */
export class CampaignIntake {
  /** Receipts by ticket: complete ones, and those of items that are only partly taken in. */
  private readonly answers = new Map<number, Receipt[]>();
  private readonly partial = new Map<number, Receipt[]>();
  private tickets = 0;
  private working = false;
  private held = false;

  constructor(private readonly owner: Pick<CampaignOwner, 'state' | 'update' | 'event'>) {}

  listen(): void {
    setHandler(messages.labResults, (message) => {
      const parsed = understand(message);
      // A signal has nobody to answer to: what it gets wrong stands in the campaign's history.
      if (typeof parsed === 'string')
        this.owner.event('results-refused', `signal labResults refused: ${parsed}`);
      else this.push(parsed, null);
    });
    setHandler(
      messages.submitResults,
      async (message) => {
        const ticket = ++this.tickets;
        this.push(understand(message) as LabResultsMessage, ticket);
        await condition(() => this.answers.has(ticket));
        const receipts = this.answers.get(ticket)!;
        this.answers.delete(ticket);
        return { receipts };
      },
      {
        validator: (message) => {
          const parsed = understand(message);
          if (typeof parsed === 'string') throw new Error(parsed);
        },
      },
    );
  }

  /** Starts the loop that takes rows in. It ends with the execution. */
  start(): void {
    void this.drain().catch((error) => {
      if (!isCancellation(error)) throw error;
    });
  }

  /** Nothing buffered, nothing under way. */
  idle(): boolean {
    return !this.working && this.owner.state().buffer.length === 0;
  }

  /** Whether what is buffered is small enough to be carried over: a payload holds at most 2 MB. */
  fitsPayload(): boolean {
    const rows = this.owner.state().buffer.map((item) => (item.kind === 'rows' ? item.rows.length : 0));
    return rows.reduce((sum, n) => sum + n, 0) <= CHUNK_ROWS;
  }

  /** No further rows are taken in by this execution, unless an update waits for its receipts. */
  pause(): void {
    this.held = true;
  }

  resting(): boolean {
    return !this.working && !this.someoneWaits();
  }

  private someoneWaits(): boolean {
    return this.owner.state().buffer.some((item) => item.ticket !== null);
  }

  private push(message: LabResultsMessage, ticket: number | null): void {
    const item: IntakeItem =
      'results' in message
        ? { kind: 'rows', ticket, rows: message.results }
        : { kind: 'file', ticket, ref: message.ref, rows: null, offset: 0, count: 0 };
    this.owner.update({ buffer: [...this.owner.state().buffer, item] });
  }

  private async drain(): Promise<void> {
    for (;;) {
      await condition(
        () =>
          this.owner.state().pool !== null &&
          this.owner.state().buffer.length > 0 &&
          (!this.held || this.someoneWaits()),
      );
      this.working = true;
      await this.takeFirst();
      this.working = false;
    }
  }

  /** One chunk of the first item. The buffer changes only once its rows are in the warehouse. */
  private async takeFirst(): Promise<void> {
    const item = this.owner.state().buffer[0]!;
    try {
      if (item.kind === 'file' && item.rows === null) {
        const landed = await warehouse.landResults({ ref: item.ref });
        this.replaceFirst({ ...item, rows: landed.rows, count: landed.count });
        return;
      }
      const receipts = await this.record(item);
      const rest = restOf(item);
      if (item.ticket !== null) this.keep(item.ticket, receipts, rest === null);
      this.replaceFirst(rest);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { message, type } = rootCause(error);
      if (!SENDERS_FAULT.has(type)) {
        // Posted results are never given up for a fault of ours: they stay first in the buffer until somebody has mended it.
        this.owner.event(
          'intake-stuck',
          `posted results could not be recorded: ${message} Mend it and send the signal resume.`,
        );
        this.owner.update({ paused: true });
        await condition(() => !this.owner.state().paused);
        return;
      }
      this.owner.event('results-refused', `posted results could not be taken in: ${message}`);
      if (item.ticket !== null)
        this.keep(item.ticket, [{ resultId: '(all)', status: 'rejected', message }], true);
      this.replaceFirst(null);
    }
  }

  private async record(item: IntakeItem): Promise<readonly Receipt[]> {
    const { campaignId, config, pool, batch } = this.owner.state();
    const rows =
      item.kind === 'rows'
        ? item.rows.slice(0, CHUNK_ROWS)
        : { ref: item.rows!, offset: item.offset, limit: CHUNK_ROWS };
    const count =
      'ref' in rows ? Math.min(CHUNK_ROWS, item.kind === 'file' ? item.count - item.offset : 0) : rows.length;
    const summary = `${count} posted row(s)`;
    const resolved = await featurizers.resolveResults.executeWithOptions({ summary: `check ${summary}` }, [
      {
        rows,
        caps: config.pool.caps,
        standardisation: config.pool.standardisation,
        unit: config.objective.unit,
        properties: propertiesOf(config.objective).map(({ property, unit }) => ({ property, unit })),
      },
    ]);
    const { receipts, progress } = await warehouse.recordResults.executeWithOptions(
      { summary: `record ${summary}` },
      [
        {
          ...{ campaignId, dataVersion: pool!.dataVersion, batchId: batch?.batchId ?? null },
          ...(config.objective.others && {
            others: config.objective.others.map(({ property }) => property),
          }),
          ...resolved,
        },
      ],
    );
    this.owner.update(countReceipts(this.owner.state(), receipts));
    const now = this.owner.state().batch;
    if (progress && now && now.batchId === batch?.batchId)
      this.owner.update({ batch: { ...now, outstanding: progress.outstanding } });
    this.tell(receipts);
    return receipts;
  }

  private tell(receipts: readonly Receipt[]): void {
    const refused = receipts.filter((receipt) => receipt.status === 'rejected');
    for (const { resultId, message } of refused.slice(0, 5))
      this.owner.event('result-rejected', `${resultId}: ${message}`);
    if (refused.length > 5)
      this.owner.event('result-rejected', `and ${refused.length - 5} more rows of the same message`);
  }

  private keep(ticket: number, receipts: readonly Receipt[], complete: boolean): void {
    const so = [...(this.partial.get(ticket) ?? []), ...receipts];
    if (!complete) {
      this.partial.set(ticket, so);
      return;
    }
    this.partial.delete(ticket);
    this.answers.set(ticket, so);
  }
  private replaceFirst(item: IntakeItem | null): void {
    const rest = this.owner.state().buffer.slice(1);
    this.owner.update({ buffer: item ? [item, ...rest] : rest });
  }
}

/** What is left of an item after its first chunk. */
function restOf(item: IntakeItem): IntakeItem | null {
  if (item.kind === 'rows') {
    const rows = item.rows.slice(CHUNK_ROWS);
    return rows.length ? { ...item, rows } : null;
  }
  const offset = item.offset + CHUNK_ROWS;
  return offset < item.count ? { ...item, offset } : null;
}

/** The message as meant, or what is wrong with it. A bare array of results is understood too. */
function understand(message: unknown): LabResultsMessage | string {
  const given = Array.isArray(message) ? { results: message } : message;
  const parsed = labResultsMessageSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  return `expected { results: [...] } or { ref }: ${explainIssues(labResultsMessageSchema, parsed.error).join('; ')}`;
}
