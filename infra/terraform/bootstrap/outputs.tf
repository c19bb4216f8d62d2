output "bucket" {
  description = "Bucket of the states: terraform init -backend-config=bucket=…"
  value       = google_storage_bucket.state.name
}
