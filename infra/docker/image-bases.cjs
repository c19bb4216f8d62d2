/** Base images made here, under the names that Dockerfiles give, for try-images.cjs. */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

/** What Node 22.21 has with it. */
const NPM = 'npm@10.9.4';
const TRUSTED = '/etc/ssl/certs/ca-certificates.crt';

const say = (text) => process.stderr.write(`images: ${text}\n`);

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options });
  if (done.error) throw done.error;
  if (done.status !== 0) {
    const said = (done.stderr || done.stdout || '').slice(-3000);
    throw new Error(`${command} ${args.slice(0, 8).join(' ')} …: exit ${done.status}\n${said}`);
  }
  return (done.stdout ?? '').trim();
}

/** Images and containers of buildah in a folder of their own. */
class Store {
  constructor(folder) {
    this.folder = folder;
  }
  buildah(args, options = {}) {
    const places = ['--root', path.join(this.folder, 'store'), '--runroot', path.join(this.folder, 'run')];
    const env = { ...process.env, BUILDAH_ISOLATION: 'chroot' };
    return run('buildah', [...places, ...args], { ...options, env });
  }
  has(name) {
    const there = this.buildah(['images', '--format', '{{.Name}}:{{.Tag}}']).split('\n');
    return there.some((line) => line === name || line.endsWith(`/${name}`));
  }
  shell(container, script) {
    this.buildah(['run', container, '--', 'sh', '-ec', script]);
  }
}

/** The bases' names, as a Dockerfile gives them: FROM lines and the defaults of ARG. */
function basesOf(dockerfile) {
  const text = fs.readFileSync(dockerfile, 'utf8');
  const values = new Map([...text.matchAll(/^ARG (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]));
  return [...text.matchAll(/^FROM (\S+)/gm)].map(([, name]) =>
    name.replace(/^\$\{(\w+)\}$/, (_, variable) => values.get(variable)),
  );
}

/** An npm package, unpacked. */
function unpacked(work, pack) {
  const file = run('npm', ['pack', '--silent', pack], { cwd: work }).split('\n').at(-1);
  const folder = path.join(work, file.replace(/\.tgz$/, ''));
  fs.mkdirSync(folder);
  run('tar', ['xzf', path.join(work, file), '-C', folder]);
  return path.join(folder, 'package');
}

function addNode(store, container, version) {
  const work = fs.mkdtempSync(path.join(store.folder, 'npm-'));
  const node = path.join(unpacked(work, `node-linux-${process.arch}@${version}`), 'bin/node');
  const npm = '/usr/local/lib/node_modules/npm';
  store.buildah(['copy', '--quiet', '--chmod', '0755', container, node, '/usr/local/bin/node']);
  store.buildah(['copy', '--quiet', container, unpacked(work, NPM), npm]);
  store.shell(
    container,
    `chmod +x ${npm}/bin/*.js; ln -s ${npm}/bin/npm-cli.js /usr/local/bin/npm; useradd --uid 1000 --create-home node`,
  );
  fs.rmSync(work, { recursive: true });
}

/** The published images of Python have no distribution's mark that keeps pip away. */
const tidyPython = (store, container) =>
  store.shell(
    container,
    'rm -f /usr/lib/python3*/EXTERNALLY-MANAGED; ln -s python3 /usr/bin/python; ln -sf pip3 /usr/bin/pip',
  );

const PYTHON_PACKAGES = 'ca-certificates,python3,python3-pip';
/** How each base is made that a Dockerfile names: Debian's packages, and what comes on top. */
const RECIPES = [
  { name: /^node:(\d+\.\d+\.\d+)-bookworm/, packages: 'ca-certificates', add: (...args) => addNode(...args) },
  { name: /^python:3\.11\.\d+-slim-bookworm$/, packages: PYTHON_PACKAGES, add: tidyPython },
  {
    name: /^apache\/beam_python3\.11_sdk:(\S+)$/,
    packages: PYTHON_PACKAGES,
    // Without Beam's own program that starts a worker for a runner.
    add: (store, container, version) => {
      tidyPython(store, container);
      store.shell(container, `pip install --quiet --no-cache-dir 'apache-beam[gcp]==${version}'`);
    },
  },
  {
    name: /^gcr\.io\/dataflow-templates-base\/python311-template-launcher-base:/,
    packages: 'ca-certificates',
    // Google's launcher is in no registry of packages: an empty file is in its place.
    add: (store, container) =>
      store.shell(
        container,
        'mkdir -p /opt/google/dataflow; touch /opt/google/dataflow/python_template_launcher',
      ),
  },
];

/** Makes a base unless it is there. */
function makeBase(store, name) {
  if (store.has(name)) return;
  const recipe = RECIPES.find((known) => known.name.test(name));
  if (!recipe) throw new Error(`no base can be made here for ${name}`);
  say(`making a base for ${name}`);
  const tar = path.join(store.folder, `${recipe.packages.replaceAll(',', '-')}.tar`);
  if (!fs.existsSync(tar))
    run('mmdebstrap', ['--variant=minbase', `--include=${recipe.packages}`, 'bookworm', tar]);
  const container = store.buildah(['from', 'scratch']);
  store.buildah(['add', '--quiet', container, tar, '/']);
  // Whom this machine trusts: its way to the registries may end in a proxy of its own.
  store.buildah(['copy', '--quiet', container, TRUSTED, TRUSTED]);
  const path_ = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const trust = [`NODE_EXTRA_CA_CERTS=${TRUSTED}`, `PIP_CERT=${TRUSTED}`];
  store.buildah(['config', ...[path_, ...trust].flatMap((entry) => ['--env', entry]), container]);
  recipe.add(store, container, recipe.name.exec(name)[1]);
  const full = name.includes('.io/') ? name : `docker.io/${name.includes('/') ? '' : 'library/'}${name}`;
  store.buildah(['commit', '--quiet', '--rm', container, full]);
}

module.exports = { Store, basesOf, makeBase, run, say };
