import { spawn } from 'node:child_process';
import { compiledEntry } from '../../src/foundation';
import { API_KEY, startWandbServer } from '../tracking/server';
import { CAMPAIGN, makeHome, openCampaign, recordRound } from '../tracking/support/campaign';

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line beside the test's own W&B server, which a synchronous spawn would keep from answering. */
function titrate(env: Record<string, string>, ...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [compiledEntry('src/cli/main'), ...args], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NO_COLOR: '1',
      TITRATE_TEMPORAL_PORT: '1',
      ...env,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += String(data)));
  child.stderr.on('data', (data: Buffer) => (stderr += String(data)));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

test('tracking deliver brings what is spooled to W&B, and status says what is left', async () => {
  const [home, server] = await Promise.all([makeHome(), startWandbServer()]);
  try {
    await openCampaign(home);
    await recordRound(home, 1);
    const env = {
      TITRATE_HOME: home.directory,
      TITRATE_TRACKING_ENGINE: 'wandb',
      TITRATE_TRACKING_ENTITY: 'chemists',
      TITRATE_TRACKING_PROJECT: 'from-the-cli',
      TITRATE_TRACKING_ENDPOINT: server.url,
    };
    const without = await titrate(env, 'tracking', 'deliver');
    expect(without.code).toBe(1);
    expect(without.stderr).toMatch(/WANDB_API_KEY is not set/);

    const withKey = { ...env, WANDB_API_KEY: API_KEY };
    const status = async () =>
      JSON.parse((await titrate(env, 'tracking', 'status', '--json')).stdout) as object;
    expect(await status()).toEqual({
      destination: `${server.url}/chemists/from-the-cli`,
      campaigns: [{ campaignId: CAMPAIGN, recorded: 1, spooled: 1, pending: [1] }],
    });
    const delivered = await titrate(withKey, 'tracking', 'deliver', CAMPAIGN, '--json');
    expect(delivered.code).toBe(0);
    expect(JSON.parse(delivered.stdout)).toMatchObject([
      { runs: 5, artifacts: 2, delivered: [{ number: 1 }], aliases: [`${CAMPAIGN}@candidate -> version-1`] },
    ]);
    expect(delivered.stdout + delivered.stderr).not.toContain(API_KEY);
    expect(await status()).toMatchObject({ campaigns: [{ pending: [] }] });
    expect((await titrate(env, 'tracking', 'deliver', 'nobody')).stderr).toMatch(
      /no campaign 'nobody'.*solubility-42/,
    );
  } finally {
    await Promise.all([server.down(), home.remove()]);
  }
});
