output "key" {
  description = "Id of the key; there once the services may use it."
  value       = google_kms_crypto_key.this.id
  depends_on  = [google_kms_crypto_key_iam_member.agents]
}
