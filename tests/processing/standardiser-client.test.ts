import path from 'node:path';
import { packageRoot } from '../../src/foundation';
import { describeWithPython, runPython } from '../support/python';

/** Runs `body` with infra/dataflow/standardiser.py and `process(code)`, the command of a Python process that plays the standardiser. */
function withClient<T>(body: string): T {
  const folder = path.join(packageRoot, 'infra', 'dataflow');
  const script = `
import json, sys
sys.path.insert(0, ${JSON.stringify(folder)})
sys.dont_write_bytecode = True
import standardiser
from concurrent.futures import ThreadPoolExecutor
def process(code):
    return [sys.executable, "-u", "-c", "import json, os, sys, time\\n" + code]
${body}
`;
  return runPython<T>(script, null);
}

describeWithPython('the client of the standardiser process', () => {
  test('gives each of many callers its own answer, in whatever order they come', () => {
    const parts = withClient<number[]>(`
backwards = '''
while True:
    pair = [json.loads(sys.stdin.readline()) for _ in range(2)]
    for request in reversed(pair):
        print(json.dumps({"id": request["id"], "ok": True, "part": request["part"]["part"]}))
'''
client = standardiser.Standardiser(process(backwards), 20)
with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda part: client.ask({}, {"part": part}), range(40)))
client.close()
print(json.dumps([answer["part"] for answer in answers]))
`);
    expect(parts).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  test('ends a process whose answer is overdue, tries three in all, and says so', () => {
    const { error, started, alive } = withClient<{ error: string; started: number; alive: number }>(`
import os, tempfile
log = tempfile.mktemp()
hanging = "open(%r, 'a').write(str(os.getpid()) + '\\\\n')\\ntime.sleep(60)" % log
client = standardiser.Standardiser(process(hanging), 0.7)
try:
    client.ask({}, {"part": 3})
    error = ""
except standardiser.ProcessDied as died:
    error = str(died)
pids = [int(line) for line in open(log)]
print(json.dumps({"error": error, "started": len(pids), "alive": sum(os.path.exists("/proc/%d" % pid) for pid in pids)}))
`);
    expect(error).toBe('no answer within 0.7 s');
    expect(started).toBeLessThanOrEqual(3);
    expect(alive).toBe(0);
  });

  test.each([
    ['dies', "sys.stderr.write('out of memory'); sys.exit(7)", 'exit status 7): out of memory'],
    ['talks nonsense', "print('hello'); time.sleep(60)", 'the standardiser process ended'],
  ])('a process that %s is an error with its last words', (_, code, message) => {
    const error = withClient<string>(`
client = standardiser.Standardiser(process(${JSON.stringify(code)}), 20)
try:
    client.ask({}, {"part": 0})
except standardiser.ProcessDied as died:
    print(json.dumps(str(died)))
`);
    expect(error).toContain(message);
  });

  test('a refusal is not asked again: it would be the same', () => {
    const errors = withClient<string[]>(`
refusing = '''
count = 0
for line in sys.stdin:
    count += 1
    print(json.dumps({"id": json.loads(line)["id"], "ok": False, "code": "usage", "retryable": False, "message": "no %d" % count}))
'''
client = standardiser.Standardiser(process(refusing), 20)
errors = []
for _ in range(2):
    try:
        client.ask({}, {"part": 5})
    except standardiser.PartFailed as failed:
        errors.append(str(failed))
client.close()
print(json.dumps(errors))
`);
    expect(errors).toEqual(['part 5: no 1 (usage)', 'part 5: no 2 (usage)']);
  });
});
