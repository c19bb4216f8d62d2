import { connect, type Socket } from 'node:net';

/** An answer as far as a load generator reads it; status 0 where the connection broke. */
export type OnAnswer = (status: number) => void;

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** Bytes of a request, made before anything is measured. */
export function requestBytes(host: string, smiles: string): Buffer {
  const body = JSON.stringify({ smiles: [smiles] });
  const head = `POST /predict HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

/**
 * One kept-alive HTTP/1.1 connection with one request under way at most: a socket and as little of a parser as answers with a
 * content-length need, so that the load costs less than what it loads. It connects again after the server has closed it.
 */
export class Connection {
  private socket: Socket | null = null;
  private onAnswer: OnAnswer | null = null;
  /** Bytes of an answer that has come in part. */
  private pending: Buffer | null = null;

  constructor(
    private readonly host: string,
    private readonly port: number,
  ) {}

  /** Resolves when it is open. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket = this.connected();
      this.socket.once('connect', resolve).once('error', reject);
    });
  }

  send(request: Buffer, onAnswer: OnAnswer): void {
    this.onAnswer = onAnswer;
    this.socket ??= this.connected();
    this.socket.write(request);
  }

  close(): void {
    this.socket?.destroy();
    this.socket = null;
  }

  private connected(): Socket {
    const socket = connect({ host: this.host, port: this.port, noDelay: true });
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.pending = null;
      this.answered(0);
    });
    return socket;
  }

  private read(chunk: Buffer): void {
    const bytes = this.pending ? Buffer.concat([this.pending, chunk]) : chunk;
    this.pending = bytes;
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = bytes.toString('latin1', 0, headEnd);
    const length = Number(LENGTH.exec(head)?.[1] ?? 0);
    if (bytes.length < headEnd + HEAD_END.length + length) return;
    this.pending = null;
    // 'HTTP/1.1 200 OK'
    this.answered(Number(head.slice(9, 12)));
  }

  private answered(status: number): void {
    const { onAnswer } = this;
    this.onAnswer = null;
    onAnswer?.(status);
  }
}
