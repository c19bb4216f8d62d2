# One service account for each process, with the roles that topology.json gives it, each on the narrowest place there is for it. Members are
# added one by one (`_member`): what others have bound stays.
resource "google_service_account" "this" {
  for_each = var.identities

  project      = var.project
  account_id   = each.key
  display_name = "titrate: ${trimprefix(each.key, "titrate-")}"
  description  = each.value.what
}

resource "google_project_iam_custom_role" "this" {
  for_each = var.custom_roles

  project     = var.project
  role_id     = each.key
  title       = each.key
  description = "Just what titrate's code uses (docs/permissions.md)."
  permissions = each.value
  stage       = "GA"
}

locals {
  emails = { for name in keys(var.identities) : name => "${name}@${var.project}.iam.gserviceaccount.com" }

  # `bucket:objects` is a bucket with the name objects in var.places.buckets, and so on.
  bindings = {
    for key, binding in var.bindings : key => {
      member = "serviceAccount:${local.emails[binding.identity]}"
      role   = startswith(binding.role, "roles/") ? binding.role : "projects/${var.project}/roles/${binding.role}"
      kind   = split(":", binding.on)[0]
      name   = try(split(":", binding.on)[1], null)
    }
  }
  on = {
    for kind in ["project", "dataset", "repository", "bucket", "secret", "serviceAccount"] :
    kind => { for key, binding in local.bindings : key => binding if binding.kind == kind }
  }
}

resource "google_project_iam_member" "this" {
  for_each = local.on.project

  project    = var.project
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.this, google_project_iam_custom_role.this]
}

resource "google_bigquery_dataset_iam_member" "this" {
  for_each = local.on.dataset

  project    = var.project
  dataset_id = var.places.dataset
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.this, google_project_iam_custom_role.this]
}

resource "google_artifact_registry_repository_iam_member" "this" {
  for_each = local.on.repository

  project    = var.project
  location   = var.region
  repository = var.places.repository
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.this, google_project_iam_custom_role.this]
}

resource "google_storage_bucket_iam_member" "this" {
  for_each = local.on.bucket

  bucket     = var.places.buckets[each.value.name]
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.this, google_project_iam_custom_role.this]
}

resource "google_secret_manager_secret_iam_member" "this" {
  for_each = local.on.secret

  project    = var.project
  secret_id  = each.value.name
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.this, google_project_iam_custom_role.this]
}

resource "google_service_account_iam_member" "this" {
  for_each = local.on.serviceAccount

  service_account_id = google_service_account.this[each.value.name].name
  role               = each.value.role
  member             = each.value.member
  depends_on         = [google_service_account.this, google_project_iam_custom_role.this]
}

# Workload Identity: the Kubernetes account of the same name acts as it, and no other.
resource "google_service_account_iam_member" "pods" {
  for_each = { for name, identity in var.identities : name => identity if identity.by == "pod" }

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.workload_pool}[${var.namespace}/${each.key}]"
}

# The pipeline: by the tokens of its provider (module federation), without a key.
resource "google_service_account_iam_member" "pipeline" {
  for_each = var.federated_principal == null ? {} : { for name, identity in var.identities : name => identity if identity.by == "federation" }

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = var.federated_principal
}

# People take on the account that may look, for an hour at a time and under their own names in the audit log.
resource "google_service_account_iam_member" "people" {
  for_each = {
    for pair in setproduct([for name, identity in var.identities : name if identity.by == "people"], var.operators) :
    "${pair[0]} ${pair[1]}" => { identity = pair[0], member = pair[1] }
  }

  service_account_id = google_service_account.this[each.value.identity].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value.member
}
