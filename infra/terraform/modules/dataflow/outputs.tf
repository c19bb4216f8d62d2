output "template" {
  description = "gs:// path of the template; null: there is none yet."
  value       = var.image == null ? null : "gs://${var.bucket}/${local.template}"
}

output "content" {
  description = "The template as it is written; null: there is none yet."
  value       = one(google_storage_bucket_object.template[*].content)
}
