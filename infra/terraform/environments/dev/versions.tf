terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # terraform init -backend-config=bucket=PROJECT-titrate-tfstate. Cloud Storage locks the state by itself.
  backend "gcs" {
    prefix = "titrate/dev"
  }
}

provider "google" {
  project = var.project
  region  = var.region
  # Quotas of APIs (budgets) are the project's, not those of the caller's credentials.
  user_project_override = true
  billing_project       = var.project
}
