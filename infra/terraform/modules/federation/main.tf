# GitHub Actions without keys: a token of a run on the named branch of the named repository is exchanged for one of titrate-ci.
resource "google_iam_workload_identity_pool" "this" {
  project                   = var.project
  workload_identity_pool_id = "titrate-ci"
  display_name              = "titrate: pipeline"
  description               = "Runs of the delivery pipeline."
}

resource "google_iam_workload_identity_pool_provider" "github" {
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.this.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub Actions"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }

  attribute_mapping = {
    "google.subject"          = "assertion.sub"
    "attribute.repository_id" = "assertion.repository_id"
    "attribute.ref"           = "assertion.ref"
  }

  # By number: the name of a repository can be taken by somebody else after it was given up. Pull requests have another ref.
  attribute_condition = <<-EOT
    assertion.repository == '${var.repository.name}' &&
    assertion.repository_id == '${var.repository.id}' &&
    assertion.repository_owner_id == '${var.repository.owner_id}' &&
    assertion.ref == 'refs/heads/${var.repository.branch}' &&
    assertion.ref_type == 'branch'
  EOT
}
