import path from 'node:path';
import { Server, ServerCredentials, status, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

/**
 * Servers of Vertex AI's API made from the protos that @google-cloud/aiplatform publishes. What they hold they hold in memory; they check
 * transport and the shape of messages, and keep to what the protos say. They say nothing of how Google's service behaves.
 */
export type Status = keyof typeof status;
export interface Fault {
  readonly method: string;
  readonly code: Status;
  readonly message: string;
  /** The work is done, and only the answer is not given. */
  readonly lost?: boolean;
}

export interface VertexServer {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  readonly parent: string;
  /** Calls by method name. */
  readonly calls: Record<string, number>;
  /** The next call of a method fails so, once for each entry. */
  readonly faults: Fault[];
  /** What every call is refused with; null: it is answered. */
  refuse: (method: string) => Pick<Fault, 'code' | 'message'> | null;
  stop(): Promise<void>;
}

export type Methods = Readonly<Record<string, (request: never) => unknown>>;

export class Refusal extends Error {
  constructor(
    readonly code: Status,
    message: string,
  ) {
    super(message);
  }
}

interface Call {
  readonly request: Record<string, unknown>;
}
type Reply = (error: { code: number; details: string } | null, response?: unknown) => void;

const folderOf = (name: string) => path.join(path.dirname(require.resolve(name)), '..');
/** google-gax as the client has it: with the protos of google.longrunning and google.rpc. */
const gaxProtos = () =>
  path.join(
    path.dirname(
      require.resolve('google-gax', { paths: [path.dirname(require.resolve('@google-cloud/aiplatform'))] }),
    ),
    '../protos',
  );

const loaded = new Map<string, PackageDefinition>();
function definition(file: string): PackageDefinition {
  let known = loaded.get(file);
  if (!known) {
    const includeDirs = [path.join(folderOf('@google-cloud/aiplatform'), 'protos'), gaxProtos()];
    known = loadSync(file, { includeDirs, longs: Number, enums: String, defaults: true, oneofs: true });
    loaded.set(file, known);
  }
  return known;
}

interface Outcome {
  /** Of the result, in google.cloud.aiplatform.v1. */
  readonly type: string;
  /** The result, encoded. */
  readonly result: Uint8Array;
}

/**
 * Long-running operations: each is looked at once more before it is done, as a client has to expect. Its method answers with `start`.
 */
export function operations() {
  const running = new Map<string, () => object>();
  const begin = (parent: string, look: (name: string) => object) => {
    const name = `${parent}/operations/${running.size + 1}`;
    running.set(name, () => look(name));
    return { name, done: false };
  };
  const done = ({ type, result }: Outcome) => ({
    done: true,
    response: { type_url: `type.googleapis.com/google.cloud.aiplatform.v1.${type}`, value: result },
  });
  return {
    start: (parent: string, type: string, result: Uint8Array) =>
      begin(parent, (name) => ({ name, ...done({ type, result }) })),
    /** Done when `finish` says so, which is asked at every look: null while it goes on. @throws Refusal what it comes to */
    startSlow: (parent: string, finish: () => Outcome | null) =>
      begin(parent, (name) => {
        try {
          const outcome = finish();
          return outcome ? { name, ...done(outcome) } : { name, done: false };
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return { name, done: true, error: { code: status[error.code], message: error.message } };
        }
      }),
    services: {
      'google/longrunning/operations#google.longrunning.Operations': {
        GetOperation({ name }: { name: string }) {
          const operation = running.get(name);
          if (!operation) throw new Refusal('NOT_FOUND', `${name} is not there`);
          return operation();
        },
      },
    },
  };
}

/**
 * @param services proto file and service name to its methods; what is left out answers UNIMPLEMENTED. Each method gets the request as it
 * came over the wire, and may throw a Refusal.
 */
export async function startVertexServer(
  project: string,
  region: string,
  services: Readonly<Record<string, Methods>>,
): Promise<VertexServer> {
  const server = new Server();
  const parent = `projects/${project}/locations/${region}`;
  const calls: Record<string, number> = {};
  const faults: Fault[] = [];

  const answer =
    (name: string, work: (request: never) => unknown) =>
    ({ request }: Call, reply: Reply) => {
      calls[name] = (calls[name] ?? 0) + 1;
      const at = faults.findIndex((fault) => fault.method === name);
      const fault = at < 0 ? undefined : faults.splice(at, 1)[0]!;
      const refuse = (code: Status, details: string) => reply({ code: status[code], details });
      if (fault && !fault.lost) return refuse(fault.code, fault.message);
      const refusal = running.refuse(name);
      if (refusal) return refuse(refusal.code, refusal.message);
      const place = String(request.parent || request.name || request.trialName || '');
      if (!place.startsWith(`${parent}/`) && place !== parent)
        return refuse('PERMISSION_DENIED', `no access to ${place}`);
      Promise.resolve()
        .then(() => work(request as never))
        .then(
          (response) => (fault ? refuse(fault.code, fault.message) : reply(null, response)),
          (error: Error) => refuse(error instanceof Refusal ? error.code : 'INTERNAL', error.message),
        );
    };

  for (const [place, methods] of Object.entries(services)) {
    const [file, service] = place.split('#') as [string, string];
    const definitionOf = definition(`${file}.proto`)[service] as unknown as ServiceDefinition;
    const implementation = Object.entries(methods).map(([name, work]) => [name, answer(name, work)]);
    server.addService(definitionOf, Object.fromEntries(implementation));
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const running: VertexServer = {
    endpoint: `http://127.0.0.1:${port}`,
    parent,
    calls,
    faults,
    refuse: () => null,
    stop: async () => server.forceShutdown(),
  };
  return running;
}

/** Small pages, so that the client has to turn them. */
const PAGE = 2;
export function pageOf<T>(items: readonly T[], token: string) {
  const from = token === '' ? 0 : Number(token);
  const nextPageToken = from + PAGE < items.length ? String(from + PAGE) : '';
  return { items: items.slice(from, from + PAGE), nextPageToken };
}
