output "name" {
  description = "Name of the repository; there once the nodes may read it."
  value       = google_artifact_registry_repository.this.name
  depends_on  = [google_artifact_registry_repository_iam_member.nodes]
}

output "url" {
  description = "What the names of images begin with."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${var.name}"
}
