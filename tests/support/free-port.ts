import { freePorts as freePortsOf } from '../../src/platform/local-stack/ports';

/** So many ports of the loopback address that nobody had a moment ago, all different. */
export const freePorts = (count: number): Promise<number[]> => freePortsOf('127.0.0.1', count);

/** A port of the loopback address that nobody had a moment ago. */
export const freePort = async (): Promise<number> => (await freePorts(1))[0]!;
