locals {
  pool = "projects/${var.project_number}/locations/global/workloadIdentityPools/titrate-ci"
}

output "identity_provider" {
  description = "What google-github-actions/auth takes as workload_identity_provider."
  value       = "${local.pool}/providers/github"
  depends_on  = [google_iam_workload_identity_pool_provider.github]
}

output "principal" {
  description = "Everything that the provider lets in from the repository."
  value       = "principalSet://iam.googleapis.com/${local.pool}/attribute.repository_id/${var.repository.id}"
  depends_on  = [google_iam_workload_identity_pool_provider.github]
}
