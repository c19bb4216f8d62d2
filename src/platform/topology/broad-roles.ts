import type { Place } from './types';

/** Roles that give more than any identity here needs, wherever they are bound. */
const ANYWHERE = new Set([
  'roles/owner',
  'roles/editor',
  'roles/viewer',
  'roles/browser',
  'roles/reader',
  'roles/writer',
  'roles/aiplatform.user',
  'roles/bigquery.user',
  'roles/compute.instanceAdmin',
  'roles/compute.instanceAdmin.v1',
  'roles/container.developer',
  'roles/dataflow.developer',
  'roles/storage.objectUser',
  'roles/storage.legacyBucketOwner',
]);
/** Roles that are narrow on one resource and broad on a project. */
const ON_PROJECT = new Set([
  'roles/artifactregistry.reader',
  'roles/artifactregistry.writer',
  'roles/bigquery.dataEditor',
  'roles/bigquery.dataViewer',
  'roles/iam.serviceAccountTokenCreator',
  'roles/iam.serviceAccountUser',
  'roles/secretmanager.secretAccessor',
  'roles/storage.objectCreator',
  'roles/storage.objectViewer',
]);
const ADMIN = /^roles\/([a-z]+\.)*[a-zA-Z]*[aA]dmin$/;

/** Why a role is too broad for a place; null when it is not. */
export function broadness(role: string, on: Place | 'project'): string | null {
  if (ADMIN.test(role)) return `${role} administers`;
  if (ANYWHERE.has(role)) return `${role} gives more than any part of titrate needs`;
  if (on === 'project' && ON_PROJECT.has(role)) return `${role} belongs on one resource, not on the project`;
  return null;
}
