output "names" {
  description = "Names of the secrets."
  value       = sort([for secret in google_secret_manager_secret.this : secret.secret_id])
}
