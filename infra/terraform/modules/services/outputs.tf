output "enabled" {
  description = "APIs that are enabled."
  value       = sort([for service in google_project_service.this : service.service])
}
