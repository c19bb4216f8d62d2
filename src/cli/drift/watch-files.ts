import { standardisationSchema, TitrateError, type TrainingRow } from '../../contracts';
import { HISTORY_WINDOWS, look, promisedResiduals, type DriftSample, type HitRule } from '../../drift';
import { decodeNdjson } from '../../foundation';
import type { Ports } from '../../platform/composition';
import { openPredicting } from '../models/predicting';
import { storedModel } from '../models/stored-model';
import { findColumns, type ColumnNames, type FileColumns } from './columns';
import { fileSample } from './file-sample';
import { prepareReference } from './prepare-reference';
import { readCells, type CellRow } from './read-cells';
import type { DriftReport, RowProblem, WindowReport } from './report';

export interface WatchFilesRequest extends ColumnNames {
  readonly reference: string;
  readonly stream: string;
  readonly model?: string;
  /** Rows of the stream that get one verdict. */
  readonly window: number;
  readonly unit?: string;
  readonly streamUnit?: string;
  readonly hits?: HitRule;
  readonly signal?: AbortSignal;
  /** Told the rows done; how many there are is not known. */
  readonly onProgress?: (what: string, rows: number) => void;
}

/** The model, the molecules it was trained on, and what its card promises of residuals. */
async function openModel(ports: Ports, name: string) {
  const predicting = await openPredicting(ports, { model: name });
  const stored = await storedModel(ports, name);
  const training = decodeNdjson<TrainingRow>(await stored.get(stored.card.training));
  const { card } = stored;
  const held = card.test?.metrics ?? card.metrics;
  return {
    predicting,
    card,
    task: card.task ?? ('regression' as const),
    trained: new Set(training.map(({ moleculeId }) => moleculeId)),
    promised: held.task === 'classification' ? null : promisedResiduals(held.coverage90, held.n),
  };
}

const columnsToRead = ({ there, descriptors }: FileColumns) => [
  ...new Set([...there.values(), ...descriptors]),
];

/**
 * The detectors on two files. The reference is held in memory, and of the stream the windows that a look takes into account.
 * @throws source-missing, column-missing, format-unknown, source-unreadable, cancelled, what opening the model throws; labels-insufficient
 * without a molecule in the reference.
 */
export async function watchFiles(ports: Ports, request: WatchFilesRequest): Promise<DriftReport> {
  const model = request.model === undefined ? null : await openModel(ports, request.model);
  try {
    const { reference: referenceFile, stream, signal, onProgress, smilesColumn } = request;
    const found = await findColumns({ reference: referenceFile, stream }, request, model?.card.property);
    const unit = request.unit ?? model?.card.unit;
    const context = {
      chemistry: ports.chemistry(),
      standardisation: model?.predicting.standardisation ?? standardisationSchema.parse({}),
      names: found.names,
      convertTo: model?.card.unit ?? request.unit,
      model,
    };
    const referenceRows: CellRow[] = [];
    for await (const row of readCells(referenceFile, smilesColumn, columnsToRead(found.reference)))
      referenceRows.push(row);
    onProgress?.('reading the reference', referenceRows.length);
    const whole = await fileSample(referenceRows, { ...context, columns: found.reference, unit });
    const [first] = whole.problems;
    if (whole.sample.rows === 0)
      throw new TitrateError('labels-insufficient', {
        what: `none of its ${referenceRows.length} rows has a molecule that can be read`,
        where: referenceFile,
        remedy: first && `The first problem: line ${first.line}: ${first.message}`,
      });
    const prepared = prepareReference(whole, model);

    const windows: WindowReport[] = [];
    const problems: RowProblem[] = [];
    let history: DriftSample[] = [];
    let rows = 0;
    const own = { ...context, columns: found.stream, unit: request.streamUnit ?? unit };
    const lookAt = async (part: readonly CellRow[]) => {
      if (signal?.aborted) throw new TitrateError('cancelled', { what: 'stopped', where: stream });
      const read = await fileSample(part, own);
      const window = prepared.windowOf(read);
      const verdict = look(prepared.reference, history, window, { hits: request.hits });
      const position = { window: windows.length + 1, from: rows + 1, to: rows + part.length };
      windows.push({ ...position, rows: window.rows, ...verdict });
      problems.push(...read.problems);
      history = [...history, window].slice(-HISTORY_WINDOWS);
      rows += part.length;
      onProgress?.('looking at the stream', rows);
    };
    let part: CellRow[] = [];
    for await (const row of readCells(stream, smilesColumn, columnsToRead(found.stream))) {
      if (part.push(row) < request.window) continue;
      await lookAt(part);
      part = [];
    }
    if (part.length) await lookAt(part);
    if (rows === 0)
      throw new TitrateError('source-unreadable', { what: 'there is no row in it', where: stream });
    return {
      ...{ reference: referenceFile, stream, model: request.model ?? null, windowRows: request.window },
      ...{ referenceRows: whole.sample.rows, rows, windows },
      notes: [...(model?.predicting.warnings ?? []), ...prepared.notes],
      problems: { reference: whole.problems, stream: problems },
    };
  } finally {
    model?.predicting.close();
  }
}
