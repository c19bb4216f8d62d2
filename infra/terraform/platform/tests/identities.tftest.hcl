# Who may do what: each role on its place, by members alone; broad ones are refused.
mock_provider "google" {
  override_during = plan
}

variables {
  project             = "my-project"
  region              = "europe-west4"
  namespace           = "titrate"
  workload_pool       = "my-project.svc.id.goog"
  identities          = { for name, identity in jsondecode(file("../topology.json")).identities : name => { by = identity.by, what = identity.what } }
  custom_roles        = jsondecode(file("../topology.json")).customRoles
  bindings            = jsondecode(file("../topology.json")).bindings
  federated_principal = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/titrate-ci/attribute.repository_id/42"
  operators           = ["group:chemists@example.org"]
  places = {
    dataset    = "titrate"
    repository = "titrate"
    buckets    = { objects = "my-project-titrate", tfstate = "my-project-titrate-tfstate" }
  }
}

run "topology" {
  command = plan
  module {
    source = "../modules/identities"
  }

  assert {
    condition     = sort(keys(google_service_account.this)) == sort(keys(var.identities))
    error_message = "One account for each identity."
  }
  assert {
    condition = length(var.bindings) == sum([
      length(google_project_iam_member.this),
      length(google_bigquery_dataset_iam_member.this),
      length(google_artifact_registry_repository_iam_member.this),
      length(google_storage_bucket_iam_member.this),
      length(google_secret_manager_secret_iam_member.this),
      length(google_service_account_iam_member.this),
    ])
    error_message = "Every binding of the topology is made, and made once."
  }
  assert {
    condition = alltrue([
      for key, binding in google_storage_bucket_iam_member.this :
      binding.bucket == var.places.buckets[split(":", var.bindings[key].on)[1]] &&
      binding.member == "serviceAccount:${var.bindings[key].identity}@my-project.iam.gserviceaccount.com"
    ])
    error_message = "A bucket's binding is on another bucket or for somebody else."
  }
  assert {
    condition     = google_storage_bucket_iam_member.this["titrate-gpu titrate.objects bucket:objects"].role == "projects/my-project/roles/titrate.objects"
    error_message = "Roles of our own are the project's."
  }
  assert {
    condition = alltrue([
      for name, binding in google_service_account_iam_member.pods :
      binding.role == "roles/iam.workloadIdentityUser" && binding.member == "serviceAccount:my-project.svc.id.goog[titrate/${name}]"
    ])
    error_message = "A pod's account is for the Kubernetes account of its name alone."
  }
  assert {
    condition     = join(", ", keys(google_service_account_iam_member.pipeline)) == "titrate-ci" && google_service_account_iam_member.pipeline["titrate-ci"].member == var.federated_principal
    error_message = "Only titrate-ci is the pipeline's."
  }
  assert {
    condition     = join(", ", keys(google_service_account_iam_member.people)) == "titrate-operator group:chemists@example.org"
    error_message = "People take on only the account that looks."
  }
}

run "a_broad_role" {
  command = plan
  module {
    source = "../modules/identities"
  }
  variables {
    bindings = { broad = { identity = "titrate-gpu", role = "roles/editor", on = "project" } }
  }
  expect_failures = [var.bindings]
}

run "an_admin_role" {
  command = plan
  module {
    source = "../modules/identities"
  }
  variables {
    bindings = { broad = { identity = "titrate-gpu", role = "roles/storage.objectAdmin", on = "bucket:objects" } }
  }
  expect_failures = [var.bindings]
}

run "a_role_on_the_whole_project" {
  command = plan
  module {
    source = "../modules/identities"
  }
  variables {
    bindings = { broad = { identity = "titrate-gpu", role = "roles/secretmanager.secretAccessor", on = "project" } }
  }
  expect_failures = [var.bindings]
}

run "a_permission_to_hand_on_rights" {
  command = plan
  module {
    source = "../modules/identities"
  }
  variables {
    bindings     = {}
    custom_roles = { "titrate.bad" = ["storage.buckets.setIamPolicy"] }
  }
  expect_failures = [var.custom_roles]
}

run "everybody_is_no_operator" {
  command = plan
  module {
    source = "../modules/identities"
  }
  variables {
    operators = ["allAuthenticatedUsers"]
  }
  expect_failures = [var.operators]
}
