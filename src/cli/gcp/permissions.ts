import { IDENTITIES, PERMISSIONS, broadness, type IdentityName, type Place } from '../../platform/topology';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';
import type { Examination } from './project';
import { refusal } from './rest';

export const emailOf = (name: IdentityName, project: string) => `${name}@${project}.iam.gserviceaccount.com`;

/** `titrate.x` as the project has it. */
export const roleName = (role: string, project: string) =>
  role.startsWith('roles/') ? role : `projects/${project}/roles/${role}`;

/** The identity whose rights are tested: the one that asks, where it is one of ours; else the one that people look as. */
function identityOf({ email, project }: Examination): IdentityName {
  const own = IDENTITIES.find(({ name }) => emailOf(name, project) === email);
  return own?.name ?? 'titrate-operator';
}

/** Permissions that an identity should have on a place, each with the role that gives it. */
function expectedOn(name: IdentityName, place: Place): Map<string, string> {
  const roles = new Map<string, string>();
  for (const { role, on, permissions } of PERMISSIONS[name])
    // Those with another API's name in front cannot be asked for.
    if (on === place)
      for (const permission of permissions) if (!permission.includes('/')) roles.set(permission, role);
  return roles;
}

const member = ({ email }: Examination) => (email ? `serviceAccount:${email}` : 'user:YOUR_ADDRESS');

/** What the account that asks may do itself, as Google answers it (testIamPermissions). */
export async function checkOwnPermissions(examination: Examination): Promise<Finding> {
  const check = 'permissions';
  const { ok, fail } = findings(check);
  const { rest, project, settings } = examination;
  const name = identityOf(examination);
  const bucket = settings.objects.store === 'gcs' ? settings.objects.bucket : undefined;
  const lacking: { permission: string; role: string; place: 'project' | 'bucket' }[] = [];
  let tested = 0;

  const onProject = expectedOn(name, 'project');
  if (onProject.size > 0) {
    const answer = await rest.post('cloudresourcemanager', `v3/projects/${project}:testIamPermissions`, {
      permissions: [...onProject.keys()],
    });
    if (answer.status !== 200)
      return refusal(check, answer, {
        service: 'cloudresourcemanager',
        permission: 'resourcemanager.projects.get',
        project,
      });
    const has = new Set(answer.body.permissions as string[] | undefined);
    for (const [permission, role] of onProject)
      if (!has.has(permission)) lacking.push({ permission, role, place: 'project' });
    tested += onProject.size;
  }
  const onBucket = expectedOn(name, 'bucket:objects');
  if (bucket && onBucket.size > 0) {
    const query = [...onBucket.keys()].map((permission) => `permissions=${permission}`).join('&');
    const answer = await rest.get('storage', `storage/v1/b/${bucket}/iam/testPermissions?${query}`);
    // A bucket that is not there is another check's to tell.
    if (answer.status === 200) {
      const has = new Set(answer.body.permissions as string[] | undefined);
      for (const [permission, role] of onBucket)
        if (!has.has(permission)) lacking.push({ permission, role, place: 'bucket' });
      tested += onBucket.size;
    }
  }
  if (lacking.length === 0) return ok(`${tested} tested, as ${name}`);
  const who = member(examination);
  const commands = new Set(
    lacking.map(({ role, place }) =>
      place === 'project'
        ? `gcloud projects add-iam-policy-binding ${project} --member=${who} --role=${roleName(role, project)}`
        : `gcloud storage buckets add-iam-policy-binding gs://${bucket} --member=${who} --role=${roleName(role, project)}`,
    ),
  );
  return fail(
    `missing: ${lacking.map(({ permission, place }) => `${permission} on the ${place}`).join(', ')}`,
    `Apply infra/terraform, which binds them (docs/permissions.md), or run: ${[...commands].join(' && ')}`,
  );
}

interface Bindings {
  readonly bindings?: readonly { readonly role: string; readonly members?: readonly string[] }[];
}

/** Every account of ours has its roles on the project, and none has a broad one. */
export async function checkBindings(examination: Examination): Promise<Finding> {
  const check = 'roles';
  const { ok, fail } = findings(check);
  const { rest, project } = examination;
  const answer = await rest.post('cloudresourcemanager', `v3/projects/${project}:getIamPolicy`, {});
  if (answer.status !== 200)
    return refusal(check, answer, {
      service: 'cloudresourcemanager',
      permission: 'resourcemanager.projects.getIamPolicy',
      project,
    });
  const { bindings = [] } = answer.body as Bindings;
  const rolesOf = (name: IdentityName) =>
    bindings
      .filter(({ members }) => members?.includes(`serviceAccount:${emailOf(name, project)}`))
      .map(({ role }) => role);
  const missing: { name: IdentityName; role: string }[] = [];
  const broad: { name: IdentityName; role: string; why: string }[] = [];
  for (const { name } of IDENTITIES) {
    const has = rolesOf(name);
    const wanted = new Set(
      PERMISSIONS[name].filter(({ on }) => on === 'project').map(({ role }) => roleName(role, project)),
    );
    for (const role of wanted) if (!has.includes(role)) missing.push({ name, role });
    for (const role of has) {
      const why = broadness(role, 'project');
      if (why) broad.push({ name, role, why });
    }
  }
  const change = (verb: 'add' | 'remove', { name, role }: { name: IdentityName; role: string }) =>
    `gcloud projects ${verb}-iam-policy-binding ${project} --member=serviceAccount:${emailOf(name, project)} --role=${role}`;
  if (broad.length > 0)
    return fail(
      `too broad: ${broad.map(({ name, why }) => `${name}: ${why}`).join('; ')}`,
      `Run: ${broad.map((one) => change('remove', one)).join(' && ')}`,
    );
  if (missing.length > 0)
    return fail(
      `missing: ${missing.map(({ name, role }) => `${role} for ${name}`).join(', ')}`,
      `Apply infra/terraform, or run: ${missing.map((one) => change('add', one)).join(' && ')}`,
    );
  return ok(`${IDENTITIES.length} accounts have theirs on the project, and no broad ones`);
}
